export default function handler(req, res) {
  res.setHeader('Set-Cookie', ['a=1; Path=/', 'b=two%20words; Path=/; HttpOnly; SameSite=Lax']);
  res.status(200).json(req.cookies);
}
