import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import Dockerode from 'dockerode';
import { describe, expect, it } from 'vitest';

import { dockerImages } from '../../src/adapters/docker-images.ts';

/** The images of an engine that answers like this, each pull of which may take 200 ms. */
async function imagesOf(answer: RequestListener) {
  const folder = mkdtempSync(join(tmpdir(), 'mailctl-engine-'));
  const socketPath = join(folder, 'docker.sock');
  const server = createServer(answer).listen(socketPath);
  await once(server, 'listening');
  const engine = new Dockerode({ socketPath });
  return {
    images: dockerImages({ engine, streaming: engine, pullMs: 200 }, (work) => work),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true });
    },
  };
}

const tooSlow = {
  code: 'timed-out',
  message: 'redis:8 was not pulled within 200ms',
  field: 'COMPOSE_TIMEOUT',
};

describe('pulling an image', () => {
  it('ends in its time where the engine does not answer', async () => {
    await using engine = await imagesOf(() => undefined);
    await expect(engine.images.pull('redis:8')).rejects.toMatchObject(tooSlow);
  });

  it('ends in its time where nothing comes any more', async () => {
    await using engine = await imagesOf((_asked, answer) => void answer.write('{"status":"Pulling"}\n'));
    await expect(engine.images.pull('redis:8')).rejects.toMatchObject(tooSlow);
  });

  it('fails with what the registry says', async () => {
    await using engine = await imagesOf(
      (_asked, answer) => void answer.end('{"error":"no such manifest"}\n'),
    );
    await expect(engine.images.pull('redis:8')).rejects.toThrow('no such manifest');
  });
});
