/** The command line has no API: it is the binary `ml-pipe`. */
export {};
