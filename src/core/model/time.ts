/** Lengths of time, in ms. */
export const second = 1000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour

/** How long GitHub delivers an event again: three days, less a margin for clocks. */
export const redelivered = 71 * hour
