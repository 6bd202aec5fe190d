import { createServer } from 'node:http';

/** The health server that Postal's processes have: /health says OK. */
export function serveHealth(port) {
  return createServer((request, response) => {
    response.end(request.url === '/health' ? 'OK' : '');
  }).listen(port, '0.0.0.0');
}
