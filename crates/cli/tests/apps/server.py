"""An app of somebody else's: Starlette and uvicorn, as they are. It knows nothing of the tunnel."""

import asyncio
import hashlib
import hmac
import json
import logging
import os

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute

log = logging.getLogger("shop")
events = asyncio.Queue()


async def health(request):
    return PlainTextResponse("fine")


async def hello(request):
    log.info("said hello to %s", request.query_params["to"])
    return JSONResponse({"hello": request.query_params["to"]})


async def seen(request):
    headers = [part.decode("latin1") for pair in request.headers.raw for part in pair]
    path = request.scope["raw_path"] if "raw_path" in request.scope else request.url.path.encode()
    query = request.scope["query_string"]
    url = path + (b"?" + query if query else b"")
    return JSONResponse({"url": url.decode("latin1"), "headers": headers})


async def environment(request):
    return JSONResponse(dict(os.environ))


async def download(request):
    async def parts():
        for part in range(64):
            yield bytes([part]) * 16 * 1024

    return StreamingResponse(parts())


async def echo(request):
    return Response(await request.body(), media_type="application/octet-stream")


async def event_stream(request):
    async def stream():
        data = "first"
        while True:
            yield f"data: {data}\n\n"
            if data == "last":
                return
            data = await events.get()

    return StreamingResponse(stream(), media_type="text/event-stream")


async def event(request):
    await events.put(request.path_params["data"])
    return Response(status_code=204)


async def webhook(request):
    parts = dict(part.split("=", 1) for part in request.headers["stripe-signature"].split(","))
    signed = parts["t"].encode() + b"." + await request.body()
    secret = os.environ["STRIPE_WEBHOOK_SECRET"].encode()
    good = hmac.compare_digest(hmac.new(secret, signed, hashlib.sha256).hexdigest(), parts["v1"])
    log.log(logging.INFO if good else logging.ERROR, "webhook signature=%s", "good" if good else "bad")
    return Response(status_code=200 if good else 400)


async def fail(request):
    raise RuntimeError("it broke")


async def leave(request):
    asyncio.get_running_loop().call_later(0.05, os._exit, 7)
    return PlainTextResponse("bye")


async def socket(websocket):
    await websocket.accept()
    log.info("socket opened")
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if message.get("text") == "close":
            return await websocket.close(4000)
        if message.get("text") is not None:
            await websocket.send_text(message["text"])
        else:
            await websocket.send_bytes(message["bytes"])


app = Starlette(
    routes=[
        Route("/health", health),
        Route("/hello", hello),
        Route("/seen", seen),
        Route("/environment", environment),
        Route("/download", download),
        Route("/echo", echo, methods=["POST"]),
        Route("/events", event_stream),
        Route("/events/{data}", event, methods=["POST"]),
        Route("/api/webhooks/stripe", webhook, methods=["POST"]),
        Route("/fail", fail),
        Route("/leave", leave),
        WebSocketRoute("/socket", socket),
    ],
)

logging.basicConfig(level=logging.INFO, format="%(asctime)s - %(name)s - %(levelname)s - %(message)s")
uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
