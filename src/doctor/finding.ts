/** An error needs you now, a warning soon. An information is good to know. */
export type Level = 'error' | 'warning' | 'info';

export type Finding = Readonly<{
  level: Level;
  /** A stable name, for scripts. */
  check: string;
  /** What is so. */
  finding: string;
  /** What to do. */
  advice: string;
}>;

export const found = (level: Level, check: string, finding: string, advice: string): Finding => ({
  ...{ level, check, finding, advice },
});

export const megabytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MB`;
