/** Which process follows the stream of a run: one at a time. */
export interface StreamLeases {
  take(name: string): Promise<boolean>
  renew(names: readonly string[]): Promise<string[]>
  isHeld(name: string): Promise<boolean>
  drop(names: readonly string[]): Promise<void>
  handOver(names: readonly string[]): Promise<void>
  /** Expired leases, each given to one caller. */
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
