import { PassThrough, Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Docker, openDocker } from '../../src/adapters/docker.ts';
import { until } from './harness/containers.ts';
import { imageOf } from './harness/images.ts';
import { prepareStack, type TestStack } from './harness/stack.ts';

const longMs = 900_000;
const project = 'mailctl-test-docker';
const labels = (service: string) => [
  `--label=com.docker.compose.project=${project}`,
  `--label=com.docker.compose.service=${service}`,
  '--label=com.docker.compose.oneoff=False',
];
/** Says a line on each stream, longer ones than a frame's header among them, and stays. */
const talker = `echo out-1; echo err-1 >&2; printf '%05000d\\n' 7; echo last; exec sleep 600`;

let stack: TestStack;
let docker: Docker;
let id: string;

/** When even a slow machine would have been through. */
function soon(): AbortSignal {
  return AbortSignal.timeout(60_000);
}

async function start(service: string, script: string): Promise<string> {
  const image = imageOf('base');
  const run = ['run', '--detach', '--init', ...labels(service), image, 'sh', '-c', script];
  const { stdout, stderr, exit } = await stack.docker(...run);
  if (exit !== 0) throw new Error(stderr);
  return stdout.trim();
}

async function removeAll(): Promise<void> {
  for (const { id: found } of await docker.containers()) await docker.remove(found);
}

beforeAll(async () => {
  stack = await prepareStack();
  docker = openDocker(project, { answerMs: 30_000, pullMs: 120_000 });
  await removeAll();
  id = await start('talker', talker);
}, longMs);
afterAll(removeAll);

async function linesOf(choice: Parameters<Docker['logs']>[1] = {}): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const line of docker.logs(id, choice)) lines.push(line.text);
  return lines;
}

describe('the Docker engine', () => {
  it('tells of itself, of containers of the project, and of no others', async () => {
    const engine = await docker.engine();
    expect(engine).toMatchObject({
      version: expect.stringMatching(/^\d+\./),
      processors: expect.any(Number),
    });
    expect(Math.abs(engine.now.getTime() - Date.now())).toBeLessThan(60_000);
    const found = await docker.containers();
    expect(found.map(({ service, state }) => [service, state])).toEqual([['talker', 'running']]);
    expect(found[0]).toMatchObject({ health: 'none', oneOff: false, image: imageOf('base'), restarts: 0 });
  });

  it('gives back what was logged, whole and without the frames of its streams', async () => {
    await until('it has said all', async () => (await linesOf()).includes('last'));
    const lines = await linesOf();
    expect(lines.toSorted()).toEqual([`${'0'.repeat(4999)}7`, 'err-1', 'last', 'out-1']);
    expect(await linesOf({ tail: 1 })).toHaveLength(1);
    expect(await linesOf({ since: new Date(Date.now() + 60_000) })).toEqual([]);
  });

  it('follows a log until it is told to stop', async () => {
    const stop = new AbortController();
    const heard: string[] = [];
    for await (const { text: line, time } of docker.logs(id, { follow: true, stop: stop.signal })) {
      expect(Number.isNaN(Date.parse(time))).toBe(false);
      heard.push(line);
      if (line === 'last') stop.abort();
    }
    expect(heard).toContain('out-1');
  });

  it('runs a program inside: octets in, octets out, its exit code, and what it complained of', async () => {
    const octets = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 256));
    const stdout = new PassThrough();
    const heard = stdout.toArray();
    const argv = ['sh', '-c', 'cat; echo complaint >&2; exit 7'];
    const ended = await docker.exec(id, { argv, stdin: Readable.from([octets]), stdout, stop: soon() });
    expect(ended).toMatchObject({ exit: 7, stderr: 'complaint\n' });
    expect(Buffer.concat((await heard) as Buffer[]).equals(octets)).toBe(true);
  });

  it('leaves a program that is broken off, and runs the next one', async () => {
    const broken = await docker.exec(id, { argv: ['sleep', '600'], stop: AbortSignal.timeout(300) });
    expect(broken.exit).toBe(-1);
    const stdout = new PassThrough();
    const heard = text(stdout);
    await docker.exec(id, { argv: ['echo', 'next'], stdout, stop: soon() });
    expect(await heard).toBe('next\n');
  });

  it('ends with the failure of what its output is written to, such as a full disk', async () => {
    const stdout = new Writable({ write: (_octets, _encoding, done) => done(new Error('no space left')) });
    await expect(docker.exec(id, { argv: ['cat', '/dev/zero'], stdout, stop: soon() })).rejects.toThrow(
      'no space left',
    );
  });

  it('tells what a container uses', async () => {
    const { memoryBytes = 0, memoryLimitBytes = 0, processors = -1 } = (await docker.usage(id)) ?? {};
    expect(memoryBytes).toBeGreaterThan(0);
    expect(memoryLimitBytes).toBeGreaterThan(memoryBytes);
    expect(processors).toBeGreaterThanOrEqual(0);
  });

  it('tells what happened to containers of the project', async () => {
    const began = new Date(Date.now() - 1_000);
    await docker.remove(await start('passing', 'exit 0'));
    const past: string[] = [];
    for await (const { service, action } of docker.pastEvents(began, new Date()))
      past.push(`${service} ${action}`);
    expect(past).toEqual(expect.arrayContaining(['passing create', 'passing start', 'passing die']));
  });

  it('knows an image that is there, and says undefined of one that is not', async () => {
    expect(await docker.image(imageOf('base'))).toMatchObject({ id: expect.stringMatching(/^sha256:/) });
    expect(await docker.image('mailctl-test/nowhere:1')).toBeUndefined();
  });

  it('takes a name from an image, and leaves one that a container has or that is gone', async () => {
    const passing = 'mailctl-test/passing:1';
    await docker.keepAs(imageOf('base'), passing);
    expect(await docker.namesIn('mailctl-test/passing')).toEqual([passing]);
    await docker.removeImage(passing);
    await docker.removeImage(passing);
    expect(await docker.namesIn('mailctl-test/passing')).toEqual([]);
    await docker.removeImage(imageOf('base'));
    expect(await docker.image(imageOf('base'))).toBeDefined();
  });

  it('removes the volumes of the project, those that no file names too, and no others', async () => {
    const label = `--label=com.docker.compose.project=${project}`;
    await stack.docker('volume', 'create', label, `${project}_kept`);
    await stack.docker('volume', 'create', 'mailctl-test-foreign');
    expect([...(await docker.volumes()).keys()]).toEqual(['kept']);
    await docker.removeVolumes();
    expect((await docker.volumes()).size).toBe(0);
    const { stdout } = await stack.docker('volume', 'rm', 'mailctl-test-foreign');
    expect(stdout.trim()).toBe('mailctl-test-foreign');
  });

  it('removes a container, and does not mind one that is gone', async () => {
    const passing = await start('gone', 'exec sleep 600');
    await docker.remove(passing);
    await docker.remove(passing);
    expect((await docker.containers()).map(({ service }) => service)).not.toContain('gone');
  });
});
