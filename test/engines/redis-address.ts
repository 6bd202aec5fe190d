/** How many databases the Redis of a test run has; each test has one. */
export const redisDatabases = 4_096;
