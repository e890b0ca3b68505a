/** Names behind which people keep secrets. */
export const SECRET_NAMES = [
  'api-key',
  'token',
  'password',
  'API_KEY',
  'GITHUB_TOKEN',
  'clientSecret',
  'x-api-key',
  'DB_PASSWORD2',
  'PGPASSWORD',
  'MYSQL_PWD',
  'DB_PASSWD',
  'AUTHTOKEN',
  'clientsecret',
];
