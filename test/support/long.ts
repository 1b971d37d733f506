/** Whether races, crashes and soaks run at full length. `npm run test:long` asks for it. */
export const LONG = process.env.KEYHEARTH_LONG_TESTS === '1';
