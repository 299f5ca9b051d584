// Where Signet is: the same for the whole run, since the built app names it.

export const SIGNET = `http://127.0.0.1:${process.env.SIGNET_PORT}`;
