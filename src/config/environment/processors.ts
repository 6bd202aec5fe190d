import { nice } from '../shapes.ts';
import { variable } from '../variable.ts';

const section = 'Processors';

/** Whose turn it is where processors are short: first those that somebody waits for. */
export const processors = {
  RELAY_NICE: variable(nice, {
    section,
    readBy: ['relay', 'operator'],
    means:
      'Nice value of the relay, where it may have it, the lowest comes first; in a stack its share of the processors',
    fallback: '-5',
  }),
  API_NICE: variable(nice, {
    section,
    readBy: ['api', 'operator'],
    means:
      'Nice value of the api, where it may have it, the lowest comes first; in a stack its share of the processors',
    fallback: '-5',
  }),
  WORKER_NICE: variable(nice, {
    section,
    readBy: ['worker', 'operator'],
    means: 'Nice value of the worker, the lowest comes first; in a stack its share of the processors',
    fallback: '10',
  }),
};
