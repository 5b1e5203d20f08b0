/** In code points, as PostHog counts. */
export const cut = (text: string, most: number): string =>
  text.length <= most ? text : [...text.toWellFormed()].slice(0, most).join('')
