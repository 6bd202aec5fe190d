/** What tests need to reach an engine, as JSON, and how to end it. */
export interface RunningEngine {
  readonly address: unknown;
  stop(): Promise<void>;
}
