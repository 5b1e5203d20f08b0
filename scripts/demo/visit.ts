export async function stayUp(_: unknown): Promise<void> {}
