/** Which process has the stream of a run open: no two do, and what one leaves behind another takes up. */
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
