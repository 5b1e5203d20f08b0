/**
 * Which process has the stream of a run open: so that no two do, that a run which one of them is told of is polled by
 * none, and that what a process left behind is taken up by another. A name stands for one run's stream.
 */
export interface StreamLeases {
  take(name: string): Promise<boolean>
  renew(names: readonly string[]): Promise<string[]>
  isHeld(name: string): Promise<boolean>
  drop(names: readonly string[]): Promise<void>
  handOver(names: readonly string[]): Promise<void>
  /** Those that nobody renewed: each is told to one of all who ask. */
  orphans(): Promise<string[]>
}

export const aloneWithStreams: StreamLeases = {
  take: async () => true,
  renew: async () => [],
  isHeld: async () => false,
  drop: async () => {},
  handOver: async () => {},
  orphans: async () => [],
}
