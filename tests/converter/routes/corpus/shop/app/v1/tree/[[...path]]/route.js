export async function GET(request, { params }) {
  const { path = null } = await params;
  return Response.json({ path });
}
