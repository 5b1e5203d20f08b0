/**
 * Which process has the stream of a run open: so that no two do, that a run which one of them is told of is polled by
 * none, and that what a process left behind is taken up by another. A name stands for one run's stream.
 */
export interface StreamLeases {
  /** Ours from now on, if it is nobody else's. */
  take(name: string): Promise<boolean>
  /** @returns those that are not ours any more */
  renew(names: readonly string[]): Promise<string[]>
  isHeld(name: string): Promise<boolean>
  /** Nobody has it any more, and nobody is to take it up. */
  drop(names: readonly string[]): Promise<void>
  /** Ours are there to be taken up, at once. */
  handOver(names: readonly string[]): Promise<void>
  /** Those that nobody renewed: each is told to one of all who ask. */
  orphans(): Promise<string[]>
}

/** Of a process that has no others beside it. */
export const aloneWithStreams: StreamLeases = {
  take: async () => true,
  renew: async () => [],
  isHeld: async () => false,
  drop: async () => {},
  handOver: async () => {},
  orphans: async () => [],
}
