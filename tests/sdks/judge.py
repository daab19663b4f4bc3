"""Asks the official SDKs for Python what they think of a webhook, and has them sign.

Questions and answers are those of judge.mjs.
"""

import base64
import datetime
import json
import sys
import time
from urllib.parse import parse_qsl

import slack_sdk.signature
import standardwebhooks.webhooks
import stripe
import twilio.request_validator


class Clock:
    """The time at which the SDKs live: the machine's, unless a question says another."""

    fixed = None
    machine = staticmethod(time.time)

    def now(self):
        return self.machine() if self.fixed is None else float(self.fixed)


CLOCK = Clock()
time.time = CLOCK.now


class DateTime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(CLOCK.now(), tz)


standardwebhooks.webhooks.datetime = DateTime


class Form:
    """The parameters of a form as a framework gives them, with each name's values."""

    def __init__(self, body):
        self.pairs = parse_qsl(body, keep_blank_values=True)

    def __iter__(self):
        return iter(name for name, _ in self.pairs)

    def getlist(self, name):
        return [value for one, value in self.pairs if one == name]


class Stripe:
    def verify(self, headers, body, secret, **_):
        stripe.Webhook.construct_event(body, headers.get("stripe-signature"), secret)

    def sign(self, body, secret, **_):
        header = stripe.WebhookSignature.generate_signature_header(body.decode(), secret)
        return {"stripe-signature": header}


class StandardWebhooks:
    def verify(self, headers, body, secret, **_):
        standardwebhooks.Webhook(secret).verify(body, headers)

    def sign(self, body, secret, id, **_):
        now = DateTime.now(datetime.timezone.utc)
        signature = standardwebhooks.Webhook(secret).sign(id, now, body.decode())
        return {
            "webhook-id": id,
            "webhook-timestamp": str(int(CLOCK.now())),
            "webhook-signature": signature,
        }


class Slack:
    def verify(self, headers, body, secret, **_):
        return self.verifier(secret).is_valid_request(body, headers)

    def sign(self, body, secret, **_):
        at = str(int(CLOCK.now()))
        signature = self.verifier(secret).generate_signature(timestamp=at, body=body)
        return {"x-slack-request-timestamp": at, "x-slack-signature": signature}

    def verifier(self, secret):
        return slack_sdk.signature.SignatureVerifier(secret, CLOCK)


class Twilio:
    """Forms sign their parameters; JSON is signed by its hash in the address's query."""

    def verify(self, headers, body, secret, url, **_):
        validator = twilio.request_validator.RequestValidator(secret)
        text = body.decode()
        params = text if "bodySHA256=" in url else Form(text)
        return validator.validate(url, params, headers.get("x-twilio-signature", ""))

    def sign(self, body, secret, url, **_):
        validator = twilio.request_validator.RequestValidator(secret)
        params = {} if "bodySHA256=" in url else Form(body.decode())
        return {"x-twilio-signature": validator.compute_signature(url, params)}


SDKS = {
    "stripe": Stripe(),
    "standard": StandardWebhooks(),
    "slack": Slack(),
    "twilio": Twilio(),
}


def answer(sdk, op, headers=(), body="", now=None, **rest):
    CLOCK.fixed = now
    rest |= {"headers": together(headers), "body": base64.b64decode(body)}
    said = getattr(SDKS[sdk], op)(**rest)
    if op == "sign":
        return {"ok": True, "headers": list(said.items())}
    return {"ok": False, "error": "it says no"} if said is False else {"ok": True}


def together(headers):
    """As a server of WSGI gives them to an app."""
    every = {}
    for name, value in headers:
        every[name] = f"{every[name]},{value}" if name in every else value
    return every


for line in sys.stdin:
    try:
        said = answer(**json.loads(line))
    except Exception as error:
        said = {"ok": False, "error": f"{type(error).__name__}: {error}"}
    print(json.dumps(said), flush=True)
