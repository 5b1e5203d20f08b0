/** Data that one process read for another. It may vanish at any time, which costs a call. */
export interface SharedCache {
  put(name: string, value: unknown, ms: number): Promise<void>
  /** Removes it: only one caller gets it. */
  take(name: string): Promise<unknown>
}
