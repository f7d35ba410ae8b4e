/** The file name of a bundle in dist; see ../scripts/bundle.js. */
declare const PACKAGE_FILE: string | undefined;
