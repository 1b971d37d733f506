/** Some tests give files to other users, or mount a disk. `npm run test:long` runs all files that have such tests. */
export const isRoot = process.getuid?.() === 0;
