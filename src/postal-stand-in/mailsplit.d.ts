declare module 'mailsplit' {
  import type { Transform } from 'node:stream';

  /** The headers of one part. */
  export interface PartHeaders {
    get(name: string): string[];
    getFirst(name: string): string;
    add(name: string, value: string, index?: number): void;
    update(name: string, value: string): void;
    getList(): { key: string; line: string }[];
  }

  export interface PartNode {
    readonly type: 'node';
    readonly root: boolean;
    readonly parentNode: PartNode | false | undefined;
    readonly multipart: string | false;
    readonly contentType: string | false;
    readonly charset: string | false;
    readonly encoding: string | false;
    readonly disposition: string | false;
    readonly filename: string | false;
    readonly headers: PartHeaders;
    getHeaders(): Buffer;
    getDecoder(): Transform;
    getEncoder(encoding?: string): Transform;
  }

  export interface PartBytes {
    readonly type: 'body' | 'data';
    readonly value: Buffer;
  }

  export class Splitter extends Transform {
    constructor(options?: { ignoreEmbedded?: boolean; maxHeadSize?: number });
    [Symbol.asyncIterator](): AsyncIterableIterator<PartNode | PartBytes>;
  }
}
