// Asks the official SDKs for Node what they think of a webhook, and has them sign.
//
// A line of JSON on standard input is a question, the line on standard output its answer; the end of
// the input is the end of this program.
//
//   {sdk, op: "verify", secret, url, headers: [[name, value]…], body: base64, now}  → {ok, error}
//   {sdk, op: "sign", secret, url, id, body: base64, now}                           → {ok, headers}
//   {sdk, op: "keys"}                                                               → {ok, secret, public}
//
// `now` is the time in seconds since 1970 at which the SDK lives; without it, it is the machine's.
import { createHmac, createSign, generateKeyPairSync } from 'node:crypto';
import { createInterface } from 'node:readline';

const MachineDate = Date;
let now;

// SDKs ask for the time in one of these two ways.
globalThis.Date = class extends MachineDate {
  constructor(...args) {
    super(...(args.length || now === undefined ? args : [now * 1000]));
  }
  static now() {
    return now === undefined ? MachineDate.now() : now * 1000;
  }
};

const hmac = (secret, text, encoding) => createHmac('sha256', secret).update(text).digest(encoding);
const seconds = () => Math.floor(Date.now() / 1000);

// Loaded when they are first asked for: they take a second and a half together.
const SDKS = {
  async stripe() {
    const { default: Stripe } = await import('stripe');
    const { webhooks } = new Stripe('sk_test_0');
    return {
      verify: ({ headers, body, secret }) =>
        webhooks.constructEvent(body, headers['stripe-signature'], secret),
      sign({ body, secret }) {
        const payload = body.toString();
        const header = webhooks.generateTestHeaderString({ payload, secret, timestamp: seconds() });
        return { 'stripe-signature': header };
      },
    };
  },

  async svix() {
    const { Webhook } = await import('svix');
    return {
      verify: ({ headers, body, secret }) => new Webhook(secret).verify(body, headers),
      sign: ({ body, secret, id }) => ({
        'svix-id': id,
        'svix-timestamp': String(seconds()),
        'svix-signature': new Webhook(secret).sign(id, new Date(), body),
      }),
    };
  },

  async github() {
    const { sign, verify } = await import('@octokit/webhooks-methods');
    return {
      verify: ({ headers, body, secret }) =>
        verify(secret, body.toString(), headers['x-hub-signature-256']),
      sign: async ({ body, secret }) => ({
        'x-hub-signature-256': await sign(secret, body.toString()),
      }),
    };
  },

  // The SDKs from here on only verify: what they get is signed as their documents say.
  async paddle() {
    const { Paddle } = await import('@paddle/paddle-node-sdk');
    const { webhooks } = new Paddle('pdl_sdbx_0');
    return {
      verify: ({ headers, body, secret }) =>
        webhooks.isSignatureValid(body.toString(), secret, headers['paddle-signature']),
      sign({ body, secret }) {
        const ts = seconds();
        const h1 = hmac(secret, Buffer.concat([Buffer.from(`${ts}:`), body]), 'hex');
        return { 'paddle-signature': `ts=${ts};h1=${h1}` };
      },
    };
  },

  async square() {
    const { WebhooksHelper } = await import('square');
    return {
      verify: ({ headers, body, secret, url }) =>
        WebhooksHelper.verifySignature({
          requestBody: body.toString(),
          signatureHeader: headers['x-square-hmacsha256-signature'],
          signatureKey: secret,
          notificationUrl: url,
        }),
      sign: ({ body, secret, url }) => ({
        'x-square-hmacsha256-signature': hmac(secret, Buffer.concat([Buffer.from(url), body]), 'base64'),
      }),
    };
  },

  async sendgrid() {
    const { EventWebhook } = (await import('@sendgrid/eventwebhook')).default;
    const PREFIX = 'x-twilio-email-event-webhook-';
    return {
      verify({ headers, body, secret }) {
        const webhook = new EventWebhook();
        const key = webhook.convertPublicKeyToECDSA(secret);
        const [signature, time] = [headers[`${PREFIX}signature`], headers[`${PREFIX}timestamp`]];
        return webhook.verifySignature(key, body, signature, time);
      },
      // Its secret is the private key.
      sign({ body, secret }) {
        const time = String(seconds());
        const key = { key: Buffer.from(secret, 'base64'), format: 'der', type: 'pkcs8' };
        const signature = createSign('sha256').update(time).update(body).sign(key, 'base64');
        return { [`${PREFIX}signature`]: signature, [`${PREFIX}timestamp`]: time };
      },
      keys() {
        const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
        const der = (key, type) => key.export({ format: 'der', type }).toString('base64');
        return { secret: der(privateKey, 'pkcs8'), public: der(publicKey, 'spki') };
      },
    };
  },
};

const loaded = {};

async function answer({ sdk, op, headers = [], body = '', now: at, ...rest }) {
  loaded[sdk] ??= await SDKS[sdk]();
  now = at;
  const request = { ...rest, headers: together(headers), body: Buffer.from(body, 'base64') };
  const said = await loaded[sdk][op](request);
  switch (op) {
    case 'verify':
      return said === false ? { ok: false, error: 'it says no' } : { ok: true };
    case 'sign':
      return { ok: true, headers: Object.entries(said) };
    default:
      return { ok: true, ...said };
  }
}

// As Node's own server gives them to an app.
function together(headers) {
  const all = {};
  for (const [name, value] of headers) {
    all[name] = name in all ? `${all[name]}, ${value}` : value;
  }
  return all;
}

for await (const line of createInterface({ input: process.stdin })) {
  const said = await answer(JSON.parse(line)).catch((error) => ({ ok: false, error: String(error) }));
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
