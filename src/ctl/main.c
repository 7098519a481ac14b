// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * certherdctl: the command line of certherd. A table of commands, the options they have in common,
 * and the help texts; what a command does is in the file of its noun. One thread.
 */
#include <glib/gi18n.h>
#include <locale.h>
#include <unistd.h>

#include "herd-config.h"

#include "ctl/output.h"

static const HerdCtlCommand commands[] = {
  { "request", N_ ("NAME -d ID…"), N_ ("Wish for a certificate, and wait for it"),
    herd_ctl_request },
  { "list", "", N_ ("List the certificates"), herd_ctl_list },
  { "show", N_ ("NAME"), N_ ("Show one certificate"), herd_ctl_show },
  { "why", N_ ("NAME"), N_ ("Say what happens next with it, and what led to that"), herd_ctl_why },
  { "renew", N_ ("NAME"), N_ ("Issue a new generation now"), herd_ctl_renew },
  { "modify", N_ ("NAME"), N_ ("Change what is wished for"), herd_ctl_modify },
  { "check", N_ ("NAME | -d ID…"), N_ ("Find out whether an attempt would succeed"),
    herd_ctl_check },
  { "export", N_ ("NAME"), N_ ("Write its chain and key to files"), herd_ctl_export },
  { "retry", N_ ("NAME"), N_ ("Try its deliveries again now"), herd_ctl_retry },
  { "revoke", N_ ("NAME"), N_ ("Have the CA revoke a generation"), herd_ctl_revoke },
  { "remove", N_ ("NAME"), N_ ("Forget a certificate and its keys"), herd_ctl_remove },
  { "watch", "", N_ ("Print what happens, as it happens"), herd_ctl_watch },
  { "issuer list", "", N_ ("List the issuers"), herd_ctl_issuer_list },
  { "issuer show", N_ ("NAME"), N_ ("Show one issuer"), herd_ctl_issuer_show },
  { "issuer presets", "", N_ ("List the CAs that are known by name"), herd_ctl_issuer_presets },
  { "issuer add", N_ ("NAME --preset PRESET | --directory-url URL"), N_ ("Add an ACME CA"),
    herd_ctl_issuer_add },
  { "issuer register", N_ ("NAME"), N_ ("Create the account at the CA"), herd_ctl_issuer_register },
  { "issuer set-contacts", N_ ("NAME"), N_ ("Tell the CA whom it may write to"),
    herd_ctl_issuer_set_contacts },
  { "issuer roll-key", N_ ("NAME"), N_ ("Give the account a new key"), herd_ctl_issuer_roll_key },
  { "issuer import", N_ ("NAME --key FILE"), N_ ("Take over another client's account"),
    herd_ctl_issuer_import },
  { "issuer deactivate", N_ ("NAME --yes"), N_ ("Close the account for ever"),
    herd_ctl_issuer_deactivate },
  { "issuer remove", N_ ("NAME"), N_ ("Forget an issuer"), herd_ctl_issuer_remove },
  { "version", "", N_ ("Say which versions these are"), herd_ctl_version },
};

/* ---- the command line ---------------------------------------------------------------------- */

/* "--system" is the default, and takes an earlier "--session" back. */
static GOptionGroup *
make_common_group (HerdCtl *ctl)
{
  const GOptionEntry entries[] = {
    { "session", 0, 0, G_OPTION_ARG_NONE, &ctl->session,
      N_ ("Ask your own agent, on the session bus"), NULL },
    { "system", 0, G_OPTION_FLAG_REVERSE, G_OPTION_ARG_NONE, &ctl->session,
      N_ ("Ask the machine's agent, on the system bus (default)"), NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &ctl->json, N_ ("Print JSON"), NULL },
    { 0 },
  };
  GOptionGroup *group = g_option_group_new ("certherdctl", NULL, NULL, NULL, NULL);
  g_option_group_set_translation_domain (group, GETTEXT_PACKAGE);
  g_option_group_add_entries (group, entries);
  return group;
}

gboolean
herd_ctl_parse (HerdCtl *ctl, const GOptionEntry *options, const char *description, guint count,
                GError **error)
{
  return herd_ctl_parse_some (ctl, options, description, count, count, error);
}

gboolean
herd_ctl_parse_some (HerdCtl *ctl, const GOptionEntry *options, const char *description,
                     guint least, guint most, GError **error)
{
  const char *arguments = *ctl->command->arguments != '\0' ? _ (ctl->command->arguments) : "";
  g_autofree char *usage = g_strdup_printf ("%s %s", ctl->command->name, arguments);
  g_autoptr (GOptionContext) context = g_option_context_new (g_strstrip (usage));
  GOptionGroup *group = make_common_group (ctl);
  if (options != NULL)
    g_option_group_add_entries (group, options);
  g_option_context_set_main_group (context, group);
  g_option_context_set_summary (context, _ (description));
  if (!g_option_context_parse_strv (context, &ctl->arguments, error))
    return FALSE;
  guint given = g_strv_length (ctl->arguments) - 1;
  if (given < least)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("%s: the name is missing"),
                 ctl->command->name);
  else if (given > most)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 _ ("%s: “%s” is one word too many"), ctl->command->name, ctl->arguments[most + 1]);
  return given >= least && given <= most;
}

gboolean
herd_ctl_read_generation (const char *text, guint64 *generation, GError **error)
{
  *generation = 0;
  if (text == NULL || g_ascii_string_to_unsigned (text, 10, 1, G_MAXINT64, generation, NULL))
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               _ ("--generation: “%s” is no number of a generation; they are numbered from 1"),
               text);
  return FALSE;
}

/* ---- help ---------------------------------------------------------------------------------- */

static char *
describe_commands (void)
{
  GString *text = g_string_new (_ ("Commands:\n"));
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++) {
    const char *arguments = *commands[i].arguments != '\0' ? _ (commands[i].arguments) : "";
    g_autofree char *usage = g_strdup_printf ("%s %s", commands[i].name, arguments);
    glong padding = MAX (38 - g_utf8_strlen (usage, -1), 0);
    g_string_append_printf (text, "  %s%*s %s\n", usage, (int) padding, "", _ (commands[i].help));
  }
  g_string_append (text, _ ("\n\"certherdctl COMMAND --help\" says more of each."));
  return g_string_free (text, FALSE);
}

static const char *
describe_status (void)
{
  return _ (
      "Exit status:\n"
      "  0  done\n"
      "  1  the agent could not do it; the message says why\n"
      "  2  the command line, or a value in it, is wrong\n"
      "  3  the agent cannot be reached\n"
      "  4  not authorized\n"
      "  5  there is no such certificate, issuer, solver or target\n"
      "  6  the operation was started, and failed\n"
      "  7  the waiting ended first: stopped, cancelled, or no answer in time\n"
      "  8  a check found a warning or an error\n"
      "\n"
      "With --json every command prints one JSON value (watch: one object for each line), also\n"
      "for an error: {\"error\": NAME, \"message\": TEXT}. Times are seconds since 1970, UTC;\n"
      "0 means none. The environment variable NO_COLOR turns colours off.");
}

/* Parses what stands before the command, and takes it out of ctl->arguments. */
static gboolean
parse_common (HerdCtl *ctl, GError **error)
{
  gboolean version = FALSE;
  const GOptionEntry entries[] = {
    { "version", 0, 0, G_OPTION_ARG_NONE, &version, N_ ("Print the version of this program"),
      NULL },
    { 0 },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (_ ("COMMAND…"));
  GOptionGroup *group = make_common_group (ctl);
  g_option_group_add_entries (group, entries);
  g_option_context_set_main_group (context, group);
  g_autofree char *summary = describe_commands ();
  g_option_context_set_summary (context, summary);
  g_option_context_set_description (context, describe_status ());
  g_option_context_set_strict_posix (context, TRUE);
  if (!g_option_context_parse_strv (context, &ctl->arguments, error))
    return FALSE;
  if (!version)
    return TRUE;
  g_print ("certherdctl %s\n", HERD_VERSION);
  exit (HERD_CTL_OK);
}

/* ---- dispatch ------------------------------------------------------------------------------ */

/* Finds the command, of one word or two, and takes its words out of ctl->arguments. */
static gboolean
find_command (HerdCtl *ctl, GError **error)
{
  guint given = g_strv_length (ctl->arguments);
  if (given < 2) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("a command is missing"));
    return FALSE;
  }
  const char *first = ctl->arguments[1];
  g_autofree char *both = given > 2 ? g_strdup_printf ("%s %s", first, ctl->arguments[2]) : NULL;
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++) {
    guint words = g_strcmp0 (commands[i].name, first) == 0  ? 1
                  : g_strcmp0 (commands[i].name, both) == 0 ? 2
                                                            : 0;
    if (words == 0)
      continue;
    ctl->command = &commands[i];
    g_auto (GStrv) old = g_steal_pointer (&ctl->arguments);
    ctl->arguments = g_strdupv (old + words);
    g_free (ctl->arguments[0]);
    ctl->arguments[0] = g_strdup ("certherdctl");
    return TRUE;
  }
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               given == 2 && g_str_equal (first, "issuer") ? _ ("“%s” wants one more word")
                                                           : _ ("there is no command “%s”"),
               both != NULL && g_str_equal (first, "issuer") ? both : first);
  return FALSE;
}

/* The words are printed and sent as UTF-8. */
static gboolean
check_words (HerdCtl *ctl, GError **error)
{
  for (char **word = ctl->arguments; *word != NULL; word++) {
    if (!g_utf8_validate (*word, -1, NULL)) {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   _ ("a word on the command line is not UTF-8"));
      return FALSE;
    }
  }
  return TRUE;
}

/* What has to be known before the command line is parsed, since an error in it is reported so. */
static void
look_around (HerdCtl *ctl)
{
  ctl->json = g_strv_contains ((const char *const *) ctl->arguments, "--json");
  const char *no_colour = g_getenv ("NO_COLOR");
  ctl->terminal = isatty (STDOUT_FILENO) && g_strcmp0 (g_getenv ("TERM"), "dumb") != 0;
  ctl->colour = ctl->terminal && (no_colour == NULL || *no_colour == '\0');
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, HERD_LOCALE_DIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);

  HerdCtl ctl = { .arguments = g_strdupv (argv), .now = g_get_real_time () / G_USEC_PER_SEC };
  g_autoptr (GError) error = NULL;
  look_around (&ctl);
  HerdCtlStatus status = check_words (&ctl, &error) && parse_common (&ctl, &error)
                                 && find_command (&ctl, &error)
                             ? ctl.command->run (&ctl)
                             : herd_ctl_fail (&ctl, error);
  g_clear_object (&ctl.connection);
  g_strfreev (ctl.arguments);
  return status;
}
