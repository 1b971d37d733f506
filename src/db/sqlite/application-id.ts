/** "KHth", in SQLite's header field for the program of a file. */
export const APPLICATION_ID = 0x4b487468;
