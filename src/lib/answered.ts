import type { IncomingHttpHeaders } from 'node:http';

/** What is logged, counted and traced of each answer. */
export type Answered = Readonly<{
  request_id: string;
  method?: string | undefined;
  /** The pattern and not the path, because somebody may paste a key into a URL. */
  route?: string | undefined;
  status: number;
  /** Why the request was refused. */
  code?: string | undefined;
  /** The name of the upstream that the gateway has asked. */
  upstream?: string | undefined;
}>;

/** Gets each answer exactly once. */
export type AnswerLog<Request extends Answered> = {
  /**
   * @param start `performance.now()` when the request arrived
   * @param usual the level of the line, unless the database is unavailable: the engine or the error handler logs that
   * @param incoming the request, when it can be read. Its headers are not logged
   */
  answered(
    request: Request,
    start: number,
    usual?: 'debug' | 'info',
    incoming?: Readonly<{ headers: IncomingHttpHeaders }>,
  ): void;
  /** Writes what is only counted so far. */
  close(): void;
};
