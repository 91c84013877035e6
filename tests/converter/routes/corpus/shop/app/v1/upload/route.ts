export async function POST(request: Request): Promise<Response> {
  const form = await request.formData();
  const file = form.get('file') as File;
  return Response.json({ title: form.get('title'), name: file.name, type: file.type, size: file.size, text: await file.text() });
}
