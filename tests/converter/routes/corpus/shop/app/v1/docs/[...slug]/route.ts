export async function GET(_: Request, { params }: { params: Promise<{ slug: string[] }> }) {
  const { slug } = await params;
  return Response.json({ slug, depth: slug.length });
}
