/**
 * Says how far long work is. Without numbers, nobody knows how long this step takes.
 * @param step what the work does now, such as `Copying the database`
 */
export type ReportProgress = (step: string, done?: number, total?: number) => void;
