import type { Reporter, TestModule } from 'vitest/node';

/** Ends a run with one line that counts its tests, for a person and for a script to read. */
export default class CountReporter implements Reporter {
  private hasEnded = false;

  /** A process can end before its tests do, even with code 0: as soon as it has nothing left to wait for. */
  onInit(): void {
    process.once('exit', () => {
      if (this.hasEnded) return;
      process.exitCode ||= 1;
      process.stdout.write('\nThe process ended before its tests did.\n0 passed, 1 failed\n');
    });
  }

  /** Errors outside of tests count as failures, and so does a run of no test. */
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    this.hasEnded = true;
    const count = { passed: 0, failed: errors.length, skipped: 0 };
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      for (const test of tests) {
        const { state } = test.result();
        if (state !== 'pending') count[state]++;
      }
      if (module.state() === 'failed' && tests.length === 0) count.failed++;
    }
    if (count.passed === 0 && count.failed === 0) {
      count.failed = 1;
      process.exitCode = 1;
    }
    const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : '';
    process.stdout.write(`\n${count.passed} passed, ${count.failed} failed${skipped}\n`);
  }
}
