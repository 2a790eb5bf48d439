/** Where runs are recorded unless something else is asked for. */
export const defaultFolder = ".ml-pipe";
