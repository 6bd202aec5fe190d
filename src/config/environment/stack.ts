import { duration, list, text } from '../shapes.ts';
import { variable } from '../variable.ts';

const section = 'Stack (containers)';
const readBy = ['operator'] as const;

const projectName = text.refine((value) => /^[a-z0-9][a-z0-9_-]*$/.test(value), {
  error: 'is no name of a Compose project: small letters, digits, - and _',
});

/** The containers on one host. */
export const stack = {
  STACK_NAME: variable(projectName, {
    section,
    readBy,
    means:
      'Name of the Compose project, in front of every container, network and volume; `down --volumes` asks for it',
    fallback: 'mailctl',
  }),
  STACK_PROFILES: variable(list, {
    section,
    readBy,
    means: 'Profiles that are always on, such as sink',
    fallback: '',
  }),
  DOCKER_TIMEOUT: variable(duration, {
    section,
    readBy,
    means: 'How long the Docker engine may take to answer',
    fallback: '30s',
  }),
  COMPOSE_TIMEOUT: variable(duration, {
    section,
    readBy,
    means: 'How long one run of Docker Compose may take, pulling and building images included',
    fallback: '30m',
  }),
};
