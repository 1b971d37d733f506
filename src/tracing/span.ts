/** A request, as a trace shows it. */
export type Span = Readonly<{
  /** 32 hexadecimal digits. */
  traceId: string;
  /** 16 hexadecimal digits. */
  spanId: string;
  parentId: string | undefined;
  name: string;
  /** Milliseconds since 1970. */
  startMs: number;
  endMs: number;
  attributes: Readonly<Record<string, string | number | undefined>>;
  isError: boolean;
}>;

/** What the caller says about its own span. */
export type Parent = Readonly<{ traceId: string; spanId: string; isSampled: boolean }>;

/** Reads `traceparent` (W3C Trace Context). A header that is not valid counts as none. */
export function parseTraceparent(header: string | undefined): Parent | undefined {
  const [, traceId, spanId, flags] =
    /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(?:$|-)/.exec(
      header ?? '',
    ) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** The numbers of OTLP: a span of a server, and an error. */
const SERVER = 2;
const ERROR = 2;

const attribute = (key: string, value: string | number) => ({
  key,
  value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
});

const attributesOf = (values: Span['attributes']) =>
  Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [attribute(key, value)]));

/** Nanoseconds since 1970 are too large for a number. */
const nanoseconds = (ms: number) => String(BigInt(Math.round(ms * 1_000)) * 1_000n);

/** The body of a request to a collector: OTLP, as JSON. */
export const otlpBody = (spans: readonly Span[], service: Readonly<{ name: string; version: string }>) => ({
  resourceSpans: [
    {
      resource: {
        attributes: attributesOf({ 'service.name': service.name, 'service.version': service.version }),
      },
      scopeSpans: [
        {
          scope: { name: 'keyhearth', version: service.version },
          spans: spans.map((span) => ({
            traceId: span.traceId,
            spanId: span.spanId,
            ...(span.parentId !== undefined && { parentSpanId: span.parentId }),
            name: span.name,
            kind: SERVER,
            startTimeUnixNano: nanoseconds(span.startMs),
            endTimeUnixNano: nanoseconds(span.endMs),
            attributes: attributesOf(span.attributes),
            ...(span.isError && { status: { code: ERROR } }),
          })),
        },
      ],
    },
  ],
});
