// Clients that send requests one after the other until the server is gone, and note how each ended:
// answered, cut (after its answer had begun), raced (sent on a used connection that then closed
// without an answer), reset (the same on a new connection) or refused (there was no connection).
import http from 'node:http';
import http2 from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';

/** The server, or the client's own library, says that the request was never looked at. */
const REFUSED = http2.constants.NGHTTP2_REFUSED_STREAM;

let next = 0;

/** @returns {Promise<void>} when the server takes no connection any more */
export async function http1Client(port, endings, thinkMs) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  for (;;) {
    const id = `h1-${(next += 1)}`;
    const ending = await http1Request(port, agent, id);
    endings.set(id, ending);
    if (ending === 'refused') break; // A connection that was reset is tried again.
    await sleep(Math.random() * thinkMs);
  }
  agent.destroy();
}

function http1Request(port, agent, id) {
  return new Promise((resolve) => {
    let began = false;
    const headers = { 'x-id': id };
    const request = http.get({ port, agent, headers, host: '127.0.0.1' }, (response) => {
      began = true;
      let text = '';
      response.setEncoding('utf8').on('data', (part) => (text += part));
      response.on('error', () => resolve('cut'));
      response.on('end', () => resolve(text === 'part end' ? 'answered' : 'cut'));
    });
    request.on('error', ({ code }) => {
      if (began) resolve('cut');
      else if (request.reusedSocket) resolve('raced');
      else resolve(code === 'ECONNREFUSED' ? 'refused' : 'reset');
    });
  });
}

/** Several requests at a time on one session; a new session when the server ends it. */
export async function http2Client(port, endings, thinkMs, streams) {
  for (;;) {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    const connected = await new Promise((resolve) => {
      session.once('connect', () => resolve(true)).on('error', () => resolve(false));
    });
    if (!connected) return;
    const gone = new Promise((resolve) => session.once('close', resolve));
    await Promise.all(
      Array.from({ length: streams }, async () => {
        while (!session.closed && !session.destroyed) {
          const id = `h2-${(next += 1)}`;
          endings.set(id, await http2Request(session, id));
          await sleep(Math.random() * thinkMs);
        }
      }),
    );
    await gone;
  }
}

function http2Request(session, id) {
  return new Promise((resolve) => {
    let began = false;
    let text = '';
    const stream = session.request({ ':path': '/', 'x-id': id });
    stream.on('response', () => (began = true));
    stream.setEncoding('utf8').on('data', (part) => (text += part));
    stream.on('error', () => undefined);
    stream.on('close', () => {
      if (text === 'part end') resolve('answered');
      else if (began) resolve('cut');
      else resolve(stream.rstCode === REFUSED ? 'refused' : 'raced');
    });
  });
}
