/** What one process read, and another one needs next. It may be gone at any time, which costs a call. */
export interface SharedCache {
  /** @param ms how long it is kept */
  put(name: string, value: unknown, ms: number): Promise<void>
  /** Gives it to one of all who ask. */
  take(name: string): Promise<unknown>
}
