/** The kernel's overflow id, and nobody's on most systems (https://man7.org/linux/man-pages/man7/user_namespaces.7.html). */
export const NOBODY = 65_534;

/** A reason to skip, or false: only root may start processes of other users. */
export const needsRoot: string | false = process.getuid?.() === 0 ? false : 'only root can act as other users';

/** Whom to become so that modes of files count: nobody for root, who writes whatever they say; undefined for everyone else. */
export const unprivileged: number | undefined = needsRoot === false ? NOBODY : undefined;
