// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Loading the configuration from a directory of files: what is taken, and that every kind of
 * mistake is told with its file, its line and its cause, and costs its own entry only.
 */
#include "config/config.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PEM "-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n"

typedef struct {
  char *directory;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->directory = g_dir_make_tmp ("certherd-config-XXXXXX", NULL);
  g_assert_nonnull (fixture->directory);
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;

  if (g_file_test (path, G_FILE_TEST_IS_DIR) && !g_file_test (path, G_FILE_TEST_IS_SYMLINK)) {
    dir = g_dir_open (path, 0, NULL);
    while ((name = g_dir_read_name (dir)) != NULL) {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }
  }
  g_assert_cmpint (g_remove (path), ==, 0);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  remove_tree (fixture->directory);
  g_free (fixture->directory);
}

static char *
write_bytes (Fixture *fixture, const char *name, const char *text, gssize length)
{
  g_autofree char *path = g_build_filename (fixture->directory, name, NULL);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
  g_file_set_contents (path, text, length, &error);
  g_assert_no_error (error);
  return g_steal_pointer (&path);
}

static void
write_file (Fixture *fixture, const char *name, const char *text)
{
  g_free (write_bytes (fixture, name, text, -1));
}

static HerdConfig *
load_clean (Fixture *fixture)
{
  HerdConfig *config = herd_config_load (fixture->directory);
  GPtrArray *problems = herd_config_get_problems (config);

  for (guint i = 0; i < problems->len; i++) {
    const HerdConfigProblem *problem = g_ptr_array_index (problems, i);

    g_error ("%s:%u: %s", problem->file, problem->line, problem->message);
  }
  return config;
}

/* Exactly one problem more is expected: in FILE (relative), LINE, naming CAUSE. */
static void
assert_problem (Fixture *fixture, HerdConfig *config, guint index, const char *file, guint line,
                const char *cause)
{
  GPtrArray *problems = herd_config_get_problems (config);
  g_autofree char *path = g_build_filename (fixture->directory, file, NULL);
  const HerdConfigProblem *problem;

  g_assert_cmpuint (index, <, problems->len);
  problem = g_ptr_array_index (problems, index);
  g_assert_cmpstr (problem->file, ==, path);
  if (problem->line != line || strstr (problem->message, cause) == NULL)
    g_error ("%s:%u: %s (expected line %u: %s)", problem->file, problem->line, problem->message,
             line, cause);
  g_assert_true (g_utf8_validate (problem->message, -1, NULL));
}

static void
test_missing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HerdConfig) config = load_clean (fixture);
  g_autofree char *nowhere = g_build_filename (fixture->directory, "nowhere", NULL);
  g_autoptr (HerdConfig) none = herd_config_load (nowhere);

  g_assert_cmpuint (herd_config_get_entries (config, HERD_SECTION_CERTIFICATE)->len, ==, 0);
  g_assert_null (herd_config_find (config, HERD_SECTION_AGENT, ""));
  g_assert_cmpuint (herd_config_get_problems (none)->len, ==, 0);
  g_assert_cmpstr (herd_config_entry_get (NULL, "x", "y"), ==, "y");
}

static void
test_all (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HerdConfig) config = NULL;
  const HerdConfigEntry *entry;
  g_autofree const char **identifiers = NULL;
  g_autofree char *issuers = NULL;

  write_file (fixture, "certherd.conf",
              "\xef\xbb\xbf# The agent.\r\n[agent]\r\n  keystore=file  \r\n\r\n"
              "[target live]\nmode = 640\n");
  write_file (
      fixture, "issuers.d/le.conf",
      "[issuer le]\ndirectory-url = https://CA.example/dir\ncontact = a@b.example ; c@d.example\n");
  write_file (fixture, "targets.d/a.conf",
              "[target nginx]\nadapter = unit\nunit = nginx\ncommand = /bin/echo a=b [x]\n");
  write_file (fixture, "certificates.d/20.conf", "[ certificate  www ]\nidentifiers = b.example");
  write_file (
      fixture, "certificates.d/10.conf",
      "[certificate mail]\n\tidentifiers = A.example;b.example  c.example\n# [certificate x]\n"
      "organization = A = B; [C]\n");
  write_file (fixture, "certificates.d/.hidden.conf", "nonsense");
  write_file (fixture, "certificates.d/20.conf.orig", "nonsense");
  config = load_clean (fixture);

  entry = herd_config_find (config, HERD_SECTION_AGENT, "");
  g_assert_cmpuint (entry->line, ==, 2);
  g_assert_cmpstr (herd_config_entry_get (entry, "keystore", NULL), ==, "file");
  g_assert_cmpstr (herd_config_entry_get (entry, "operations", "32"), ==, "32");
  entry = herd_config_find (config, HERD_SECTION_TARGET, "live");
  g_assert_cmpstr (herd_config_entry_get (entry, "mode", NULL), ==, "0640");
  entry = herd_config_find (config, HERD_SECTION_TARGET, "nginx");
  g_assert_cmpstr (herd_config_entry_get (entry, "unit", NULL), ==, "nginx.service");
  entry = herd_config_find (config, HERD_SECTION_ISSUER, "le");
  g_assert_cmpstr (herd_config_entry_get (entry, "directory-url", NULL), ==,
                   "https://ca.example/dir");
  issuers = g_build_filename (fixture->directory, "issuers.d/le.conf", NULL);
  g_assert_cmpstr (entry->file, ==, issuers);

  /* File order: 10.conf before 20.conf. */
  g_assert_cmpuint (herd_config_get_entries (config, HERD_SECTION_CERTIFICATE)->len, ==, 2);
  entry = g_ptr_array_index (herd_config_get_entries (config, HERD_SECTION_CERTIFICATE), 0);
  g_assert_cmpstr (entry->name, ==, "mail");
  g_assert_cmpstr (herd_config_entry_get (entry, "organization", NULL), ==, "A = B; [C]");
  g_assert_true (g_variant_lookup (entry->values, "identifiers", "^a&s", &identifiers));
  g_assert_cmpuint (g_strv_length ((char **) identifiers), ==, 3);
  g_assert_cmpstr (identifiers[0], ==, "a.example");
}

/* One broken section after the other, each with a good neighbour behind it. */
static void
test_problems (Fixture *fixture, gconstpointer data)
{
  static const struct {
    const char *text;
    guint line;
    const char *cause;
  } cases[] = {
    { "key = value\n", 1, "before the first" },
    { "\nnonsense\n", 2, "neither" },
    { "= value\n", 1, "neither" },
    { "[certificate x\nidentifiers = a.example\n", 1, "not closed" },
    { "[certificate x] # comment\nidentifiers = a.example\n", 1, "not closed" },
    { "[certifikate x]\nidentifiers = a.example\n", 1, "no such section" },
    { "[]\n", 1, "" },
    { "[certificate]\nidentifiers = a.example\n", 1, "is not fit" },
    { "[certificate A]\nidentifiers = a.example\n", 1, "is not fit" },
    { "[certificate ../x]\nidentifiers = a.example\n", 1, "is not fit" },
    { "[certificate a b]\nidentifiers = a.example\n", 1, "is not fit" },
    { "[agent x]\n", 1, "no name" },
    { "[certificate x]\n", 1, "no identifiers" },
    { "# c\n[certificate x]\nidentifiers = a.example\nno-such-key = 1\n", 4, "known are" },
    { "[certificate x]\nidentifiers = a.example\nidentifiers = b.example\n", 3, "line 2" },
    { "[certificate x]\nidentifiers =\n", 2, "0 entries" },
    { "[certificate x]\nidentifiers = a_b.example\n", 2, "a_b.example" },
    { "[certificate x]\nidentifiers = a.example\nkey-type = rsa-1024\n", 3, "rsa-2048" },
    { "[certificate x]\nidentifiers = a.example\ncommon-name = b.example\n", 1, "common-name" },
    { "[certificate x]\nidentifiers = a.example\norganization = \xff\xfe\n", 3, "UTF-8" },
    { "[certificate x]\nidentifiers = a.example\nstate = a\x1b[31m\n", 3, "control" },
    { "[issuer x]\ndirectory-url = http://a.example/\n", 2, "https" },
    { "[issuer x]\ndirectory-url = https://a.example/\ntrust = ca.pem\n", 3, "absolute" },
    { "[issuer x]\ndirectory-url = https://a.example/\ntrust = /nowhere/ca.pem\n", 3,
      "/nowhere/ca.pem" },
    { "[issuer x]\ndirectory-url = https://a.example/\ntrust = /dev/zero\n", 3, "regular" },
    { "[target x]\nadapter = files\npath = ../x\n", 3, "absolute" },
    { "[target x]\nadapter = exec\ncommand = rm -rf\n", 3, "absolute" },
    { "[solver x]\nlisten = 80\n", 2, "HOST:PORT" },
    { "[agent]\ngenerations = 0\n", 2, "from 1 to 100" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *text = g_strconcat (cases[i].text,
                                         "[certificate good]\nidentifiers = good.example\n", NULL);
    g_autoptr (HerdConfig) config = NULL;

    write_file (fixture, "certificates.d/a.conf", text);
    config = herd_config_load (fixture->directory);
    assert_problem (fixture, config, 0, "certificates.d/a.conf", cases[i].line, cases[i].cause);
    g_assert_cmpuint (herd_config_get_problems (config)->len, ==, 1);
    for (HerdSection s = HERD_SECTION_AGENT; s <= HERD_SECTION_SOLVER; s++)
      g_assert_cmpuint (herd_config_get_entries (config, s)->len, ==,
                        s == HERD_SECTION_CERTIFICATE ? 1 : 0);
    g_assert_nonnull (herd_config_find (config, HERD_SECTION_CERTIFICATE, "good"));
  }
}

/* A staging sibling has to be there, and to be another issuer; the other sections stay. */
static void
test_siblings (Fixture *fixture, gconstpointer data)
{
#define LINES "directory-url = https://a.example/\n"
  static const struct {
    const char *text;
    guint line;
    const char *cause;
    guint left;
  } cases[] = {
    { "[issuer a]\n" LINES "staging = b\n[issuer b]\n" LINES, 0, NULL, 2 },
    { "[issuer b]\n" LINES "[issuer a]\n" LINES "staging = c\n", 3, "no [issuer c]", 1 },
    { "[issuer a]\n" LINES "staging = a\n", 1, "leads back", 0 },
    { "[issuer a]\n" LINES "staging = b\n[issuer b]\n" LINES "staging = a\n", 1, "leads back", 0 },
    { "[issuer a]\n" LINES "staging = b\n[issuer b]\n" LINES "staging = c\n[issuer c]\n" LINES
      "staging = b\n[issuer d]\n" LINES,
      4, "leads back", 1 },
  };
#undef LINES

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (HerdConfig) config = NULL;

    write_file (fixture, "issuers.d/a.conf", cases[i].text);
    config = herd_config_load (fixture->directory);
    g_assert_cmpuint (herd_config_get_entries (config, HERD_SECTION_ISSUER)->len, ==,
                      cases[i].left);
    if (cases[i].cause == NULL) {
      g_assert_cmpuint (herd_config_get_problems (config)->len, ==, 0);
      continue;
    }
    assert_problem (fixture, config, 0, "issuers.d/a.conf", cases[i].line, cases[i].cause);
    g_assert_null (herd_config_find (config, HERD_SECTION_ISSUER, "a"));
  }
}

static void
test_duplicates (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HerdConfig) config = NULL;
  const HerdConfigEntry *entry;

  write_file (fixture, "certherd.conf", "[agent]\n[agent]\noperations = 3\n");
  write_file (fixture, "certificates.d/a.conf", "\n[certificate x]\nidentifiers = a.example\n");
  write_file (fixture, "certificates.d/b.conf",
              "[certificate x]\nidentifiers = b.example\nnonsense-is-skipped = 1\n");
  config = herd_config_load (fixture->directory);
  assert_problem (fixture, config, 0, "certherd.conf", 2, "line 1");
  assert_problem (fixture, config, 1, "certificates.d/b.conf", 1, "a.conf, line 2");
  g_assert_cmpuint (herd_config_get_problems (config)->len, ==, 2);
  entry = herd_config_find (config, HERD_SECTION_CERTIFICATE, "x");
  g_assert_true (g_str_has_suffix (entry->file, "a.conf"));
  g_assert_cmpuint (herd_config_get_entries (config, HERD_SECTION_CERTIFICATE)->len, ==, 1);
}

static void
test_trust (Fixture *fixture, gconstpointer data)
{
  g_autofree char *pem = write_bytes (fixture, "ca.pem", "A comment: é\n" PEM, -1);
  g_autofree char *text = g_strdup_printf (
      "[issuer x]\ndirectory-url = https://a.example/\ntrust = %s\n", pem);
  g_autofree char *big = g_strnfill (300 * 1024, 'x');
  struct {
    const char *contents;
    gssize length;
    const char *cause;
  } bad[] = {
    { "", 0, "no whole PEM certificate" },
    { "MAo=", 4, "no whole PEM certificate" },
    { PEM "-----BEGIN EC PRIVATE KEY-----\n", -1, "private key" },
    { PEM "\0x", sizeof (PEM) + 1, "not a text file" },
    { "\xff" PEM, -1, "not a text file" },
    { big, -1, "bytes" },
  };
  g_autoptr (HerdConfig) good = NULL;

  write_file (fixture, "issuers.d/x.conf", text);
  good = load_clean (fixture);
  g_assert_cmpstr (
      herd_config_entry_get (herd_config_find (good, HERD_SECTION_ISSUER, "x"), "trust", NULL), ==,
      "A comment: é\n" PEM);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (HerdConfig) config = NULL;

    g_free (write_bytes (fixture, "ca.pem", bad[i].contents, bad[i].length));
    config = herd_config_load (fixture->directory);
    assert_problem (fixture, config, 0, "issuers.d/x.conf", 3, bad[i].cause);
    g_assert_null (herd_config_find (config, HERD_SECTION_ISSUER, "x"));
  }
}

static void
test_files (Fixture *fixture, gconstpointer data)
{
  g_autofree char *big = g_strnfill (1024 * 1024 + 1, '#');
  g_autofree char *link = g_build_filename (fixture->directory, "certificates.d/link.conf", NULL);
  g_autofree char *fifo = g_build_filename (fixture->directory, "certificates.d/fifo.conf", NULL);
  g_autofree char *folder = g_build_filename (fixture->directory, "certificates.d/dir.conf", NULL);
  g_autoptr (HerdConfig) config = NULL;

  write_file (fixture, "certificates.d/big.conf", big);
  write_file (fixture, "certificates.d/good.conf", "[certificate x]\nidentifiers = a.example\n");
  write_file (fixture, "certificates.d/zero.conf", "");
  write_file (fixture, "issuers.d", "not a folder");
  g_free (write_bytes (fixture, "certificates.d/nul.conf", "[certificate y]\nidentifiers = a\0b\n",
                       33));
  g_assert_cmpint (symlink ("nowhere", link), ==, 0);
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  config = herd_config_load (fixture->directory);
  assert_problem (fixture, config, 0, "issuers.d", 0, "");
  assert_problem (fixture, config, 1, "certificates.d/big.conf", 0, "bytes");
  assert_problem (fixture, config, 2, "certificates.d/dir.conf", 0, "regular file");
  assert_problem (fixture, config, 3, "certificates.d/fifo.conf", 0, "regular file");
  assert_problem (fixture, config, 4, "certificates.d/link.conf", 0, "");
  assert_problem (fixture, config, 5, "certificates.d/nul.conf", 2, "UTF-8");
  g_assert_cmpuint (herd_config_get_problems (config)->len, ==, 6);
  g_assert_cmpuint (herd_config_get_entries (config, HERD_SECTION_CERTIFICATE)->len, ==, 1);
}

/* Root reads everything, so the check of permissions runs as another user in a child. */
static void
test_unreadable (Fixture *fixture, gconstpointer data)
{
  g_autofree char *file = NULL;
  g_autoptr (HerdConfig) config = NULL;
  uid_t uid = geteuid ();

  file = write_bytes (fixture, "certificates.d/a.conf",
                      "[certificate x]\nidentifiers = a.example\n", -1);
  g_assert_cmpint (g_chmod (file, 0), ==, 0);
  g_assert_cmpint (g_chmod (fixture->directory, 0755), ==, 0);
  if (uid == 0)
    g_assert_cmpint (seteuid (65534), ==, 0);
  config = herd_config_load (fixture->directory);
  if (uid == 0)
    g_assert_cmpint (seteuid (0), ==, 0);
  assert_problem (fixture, config, 0, "certificates.d/a.conf", 0, "Permission denied");
}

/* Random damage never crashes, and never ends the reading of what follows. */
static void
test_fuzz (Fixture *fixture, gconstpointer data)
{
  static const char good[] = "[certificate x]\nidentifiers = a.example b.example\nrenew = 33%\n"
                             "[issuer le]\ndirectory-url = https://a.example/\n[agent]\n";

  for (guint i = 0; i < 2000; i++) {
    g_autofree char *text = g_strndup (good, strlen (good));
    g_autoptr (HerdConfig) config = NULL;

    for (guint j = 0; j < 3; j++)
      text[g_test_rand_int_range (0, (gint32) strlen (good))] = (char) g_test_rand_int_range (0,
                                                                                              256);
    g_free (write_bytes (fixture, "certherd.conf", text, (gssize) strlen (good)));
    config = herd_config_load (fixture->directory);
    g_assert_nonnull (config);
  }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/config/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("missing", test_missing);
  ADD ("all", test_all);
  ADD ("problems", test_problems);
  ADD ("siblings", test_siblings);
  ADD ("duplicates", test_duplicates);
  ADD ("trust", test_trust);
  ADD ("files", test_files);
  ADD ("unreadable", test_unreadable);
  ADD ("fuzz", test_fuzz);
  return g_test_run ();
}
