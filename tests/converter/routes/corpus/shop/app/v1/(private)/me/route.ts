import { cookies, headers } from 'next/headers';

export async function GET() {
  const jar = await cookies();
  const asked = await headers();
  return Response.json({
    session: jar.get('session')?.value ?? null,
    has: jar.has('theme'),
    all: jar.getAll().map(({ name }) => name),
    language: asked.get('accept-language'),
  });
}

export async function POST(request: Request) {
  const form = await request.formData();
  const jar = await cookies();
  jar.set('session', String(form.get('user')), { httpOnly: true, sameSite: 'lax', path: '/' });
  jar.set({ name: 'theme', value: 'dark mode', maxAge: 0 });
  jar.delete('old');
  return new Response(null, { status: 204 });
}
