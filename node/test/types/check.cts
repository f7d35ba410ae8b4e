// The usual type-level equality: it compiles only when both are the same type.

export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;

export declare function same<A, B>(equal: Equal<A, B>): void;
