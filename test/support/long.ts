/** Whether races, crashes and soaks run at full length. `npm run test:long` asks for it. */
export const LONG = process.env.KEYHEARTH_LONG_TESTS === '1';

/** How many workers a test starts that needs several. Each computes for most of a second until it serves. */
export const SEVERAL = LONG ? '3' : '2';
