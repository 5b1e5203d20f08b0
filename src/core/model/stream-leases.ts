/** Which process follows the stream of a run: one at a time. */
export interface StreamLeases {
  take(name: string): Promise<boolean>
  renew(names: readonly string[]): Promise<string[]>
  isHeld(name: string): Promise<boolean>
  drop(names: readonly string[]): Promise<void>
  handOver(names: readonly string[]): Promise<void>
  /** Expired leases, each given to one caller, and a lease later to another unless it was buried. */
  orphans(): Promise<string[]>
  /** Removes one that nobody has taken again. */
  bury(name: string): Promise<void>
  /** @param ring is called whenever the queue was out of reach: what it was told before may be lost */
  onBack(ring: () => void): void
}

export const aloneWithStreams: StreamLeases = {
  take: async () => true,
  renew: async () => [],
  isHeld: async () => false,
  drop: async () => {},
  handOver: async () => {},
  orphans: async () => [],
  bury: async () => {},
  onBack: () => {},
}
