// An app of somebody else's: Express and ws, as they are. It knows nothing of the tunnel.
'use strict';

const crypto = require('crypto');
const http = require('http');
const express = require('express');
const { WebSocketServer } = require('ws');

const log = (level, msg, more) =>
  process.stdout.write(JSON.stringify({ level, time: Date.now(), pid: process.pid, hostname: 'laptop', ...more, msg }) + '\n');

const app = express();
app.get('/health', (request, response) => response.send('fine'));
app.get('/hello', (request, response) => {
  log(30, 'said hello', { to: request.query.to });
  response.json({ hello: request.query.to });
});
app.get('/seen', (request, response) =>
  response.json({ url: request.originalUrl, headers: request.rawHeaders }));
app.get('/environment', (request, response) => response.json(process.env));
app.get('/download', (request, response) => {
  for (let part = 0; part < 64; part += 1) response.write(Buffer.alloc(16 * 1024, part));
  response.end();
});
app.get('/trailers', (request, response) => {
  response.setHeader('Trailer', 'X-Sum');
  response.write('body');
  response.addTrailers({ 'X-Sum': '42' });
  response.end();
});
app.post('/echo', (request, response) => {
  response.type('application/octet-stream');
  request.pipe(response);
});

// Each event leaves when it is asked for, and not before.
let listener;
app.get('/events', (request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  response.write('data: first\n\n');
  listener = response;
});
app.post('/events/:data', (request, response) => {
  listener.write(`data: ${request.params.data}\n\n`);
  if (request.params.data === 'last') listener.end();
  response.sendStatus(204);
});

// As Stripe's library checks it: over the exact bytes.
app.post('/api/webhooks/stripe', express.raw({ type: '*/*' }), (request, response) => {
  const [, time, signature] = /^t=(\d+),v1=([0-9a-f]+)$/.exec(request.get('stripe-signature') || '') || [];
  const expected = crypto.createHmac('sha256', process.env.STRIPE_WEBHOOK_SECRET)
    .update(`${time}.`).update(request.body).digest('hex');
  log(signature === expected ? 30 : 50, 'webhook', { signature: signature === expected ? 'good' : 'bad' });
  response.sendStatus(signature === expected ? 200 : 400);
});

app.get('/fail', () => { throw new Error('it broke'); });
app.get('/leave', (request, response) => response.send('bye', () => process.exit(7)));

const server = http.createServer(app);
const sockets = new WebSocketServer({ server, path: '/socket' });
sockets.on('connection', (socket) => {
  log(30, 'socket opened');
  socket.on('message', (data, binary) =>
    !binary && data.toString() === 'close' ? socket.close(4000, 'as you wish') : socket.send(data, { binary }));
});

server.listen(process.env.PORT, '127.0.0.1', () => log(30, 'listening', { port: process.env.PORT }));
process.on('SIGTERM', () => {
  log(40, 'stopping');
  server.close(() => { log(30, 'stopped'); process.exit(3); });
  sockets.clients.forEach((socket) => socket.close(1001));
  server.closeIdleConnections();
});
