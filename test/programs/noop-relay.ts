// The relay's SMTP engine, where keeping a message does nothing: what is left of its speed is the engine's own.
import { runDoor } from '../services/relay/running-door.ts';

const listeners = ['RELAY_PRIVATE_LISTEN', 'RELAY_TLS_LISTEN'].map((name) => [name, process.env[name] ?? '']);
const running = await runDoor({ RELAY_SUBMISSION_LISTEN: 'off', ...Object.fromEntries(listeners) });
running.keep = async () => ({ kind: 'stored' });
process.once('SIGTERM', () => void running[Symbol.asyncDispose]());
