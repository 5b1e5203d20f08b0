/** Says which names git takes for a branch, and names the branches that the bot makes for issues. */
export const maxBranchLength = 255

/**
 * What `git check-ref-format --branch` refuses, with the rules of git-check-ref-format(1); plus a leading
 * hyphen, which would be read as an option.
 */
export function isBranchName(name: string): boolean {
  if (name.length === 0 || name.length > maxBranchLength || name === '@' || name === 'HEAD')
    return false
  if (name.startsWith('-') || name.endsWith('.') || name.startsWith('refs/')) return false
  if (/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|^\/|\/$/.test(name)) return false
  return name.split('/').every(part => !part.startsWith('.') && !part.endsWith('.lock'))
}

const slugLength = 40

export function branchSlug(title: string): string {
  const words = title
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter(word => word !== '')
  let slug = ''
  for (const word of words) {
    const longer = slug === '' ? word : `${slug}-${word}`
    if (longer.length > slugLength) break
    slug = longer
  }
  return slug || (words[0] ?? '').slice(0, slugLength)
}

export function issueBranch(stem: string, title: string): string {
  const slug = branchSlug(title)
  return slug === '' ? stem : `${stem}-${slug}`
}

export const stemOf = (prefix: string, number: number): string => `${prefix}issue-${number}`

export const isBranchOfIssue = (name: string, stem: string): boolean =>
  name === stem || name.startsWith(`${stem}-`)
