/** Who goes to Postal before whom, most urgent first. */
export const priorities = ['high', 'normal', 'low'] as const;

/** How urgent a message is to its sender. */
export type Priority = (typeof priorities)[number];

/** Of the priority in a message's header, which is for us alone and not sent on. */
export const priorityHeader = 'x-mailctl-priority';

/** The priority that a header names, in upper or lower case; undefined when it is none. */
export function readPriority(value: string): Priority | undefined {
  const word = value.trim().toLowerCase();
  return priorities.find((priority) => priority === word);
}
