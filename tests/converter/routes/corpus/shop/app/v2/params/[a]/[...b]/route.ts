export async function GET(request: Request, { params }: { params: Promise<object> }) {
  return Response.json({ route: 'params/[a]/[...b]', ...(await params) });
}
