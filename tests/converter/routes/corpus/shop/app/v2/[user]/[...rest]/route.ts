export async function GET(request: Request, { params }: { params: Promise<object> }) {
  return Response.json({ route: '[user]/[...rest]', ...(await params) });
}
