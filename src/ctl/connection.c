// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The connection to the agent: calls, and what their errors mean for the exit status. Nothing here
 * knows what a certificate is. Owned by certherdctl; one thread.
 */
#include <glib/gi18n.h>

#include "ctl/output.h"

/* A caller whom polkit asks for a password needs time to type it. */
#define CALL_TIMEOUT 120000

gboolean
herd_ctl_connect (HerdCtl *ctl, GError **error)
{
  if (ctl->connection != NULL)
    return TRUE;
  g_autoptr (GError) cause = NULL;
  ctl->connection = g_bus_get_sync (ctl->session ? G_BUS_TYPE_SESSION : G_BUS_TYPE_SYSTEM, NULL,
                                    &cause);
  if (ctl->connection == NULL) {
    g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_NO_SERVER,
                 ctl->session ? _ ("the session bus cannot be reached: %s")
                              : _ ("the system bus cannot be reached: %s"),
                 cause->message);
    return FALSE;
  }
  g_dbus_connection_set_exit_on_close (ctl->connection, FALSE);
  return TRUE;
}

static GVariant *
call (HerdCtl *ctl, const char *path, const char *interface, const char *member,
      GVariant *parameters, GUnixFDList *fds, const char *reply, GUnixFDList **received,
      GError **error)
{
  g_autoptr (GVariant) kept = parameters != NULL ? g_variant_ref_sink (parameters) : NULL;
  if (!herd_ctl_connect (ctl, error))
    return NULL;
  return g_dbus_connection_call_with_unix_fd_list_sync (
      ctl->connection, HERD_CTL_BUS_NAME, path, interface, member, kept,
      reply != NULL ? G_VARIANT_TYPE (reply) : NULL,
      G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION, CALL_TIMEOUT, fds, received, NULL, error);
}

GVariant *
herd_ctl_call_with_fds (HerdCtl *ctl, const char *path, const char *interface, const char *member,
                        GVariant *parameters, GUnixFDList *fds, const char *reply, GError **error)
{
  return call (ctl, path, interface, member, parameters, fds, reply, NULL, error);
}

GVariant *
herd_ctl_call_for_fds (HerdCtl *ctl, const char *path, const char *interface, const char *member,
                       GVariant *parameters, const char *reply, GUnixFDList **fds, GError **error)
{
  return call (ctl, path, interface, member, parameters, NULL, reply, fds, error);
}

GVariant *
herd_ctl_call (HerdCtl *ctl, const char *path, const char *interface, const char *member,
               GVariant *parameters, const char *reply, GError **error)
{
  return herd_ctl_call_with_fds (ctl, path, interface, member, parameters, NULL, reply, error);
}

GVariant *
herd_ctl_get_all (HerdCtl *ctl, const char *path, const char *interface, GError **error)
{
  g_autoptr (GVariant) reply = herd_ctl_call (ctl, path, HERD_CTL_PROPERTIES, "GetAll",
                                              g_variant_new ("(s)", interface), "(a{sv})", error);
  return reply != NULL ? g_variant_get_child_value (reply, 0) : NULL;
}

char *
herd_ctl_get_string (HerdCtl *ctl, const char *path, const char *interface, const char *property)
{
  g_autoptr (GVariant)
      reply = herd_ctl_call (ctl, path, HERD_CTL_PROPERTIES, "Get",
                             g_variant_new ("(ss)", interface, property), "(v)", NULL);
  if (reply == NULL)
    return NULL;
  g_autoptr (GVariant) value = NULL;
  g_variant_get (reply, "(v)", &value);
  return g_variant_is_of_type (value, G_VARIANT_TYPE_STRING) ? g_variant_dup_string (value, NULL)
                                                             : NULL;
}

char *
herd_ctl_find (HerdCtl *ctl, const char *member, const char *name, GError **error)
{
  if (!g_utf8_validate (name, -1, NULL)) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("the name is not UTF-8"));
    return NULL;
  }
  g_autoptr (GVariant) reply = herd_ctl_call (ctl, HERD_CTL_ROOT, HERD_CTL_AGENT, member,
                                              g_variant_new ("(s)", name), "(o)", error);
  char *path = NULL;
  if (reply != NULL)
    g_variant_get (reply, "(o)", &path);
  return path;
}

/* ---- errors -------------------------------------------------------------------------------- */

#define FREEDESKTOP "org.freedesktop.DBus.Error."
#define CERTHERD "org.certherd.Error."

/* What an error's name means for the exit status; what is not here has "failed". */
static const struct {
  const char *name;
  HerdCtlStatus status;
} meanings[] = {
  { CERTHERD "InvalidArgument", HERD_CTL_USAGE },
  { FREEDESKTOP "InvalidArgs", HERD_CTL_USAGE },
  { FREEDESKTOP "ServiceUnknown", HERD_CTL_UNREACHABLE },
  { FREEDESKTOP "NameHasNoOwner", HERD_CTL_UNREACHABLE },
  { FREEDESKTOP "NoServer", HERD_CTL_UNREACHABLE },
  { FREEDESKTOP "Disconnected", HERD_CTL_UNREACHABLE },
  { FREEDESKTOP "FileNotFound", HERD_CTL_UNREACHABLE },
  { FREEDESKTOP "Spawn.ExecFailed", HERD_CTL_UNREACHABLE },
  { FREEDESKTOP "Spawn.ChildExited", HERD_CTL_UNREACHABLE },
  { FREEDESKTOP "Spawn.ChildSignaled", HERD_CTL_UNREACHABLE },
  { FREEDESKTOP "Spawn.ServiceNotFound", HERD_CTL_UNREACHABLE },
  { FREEDESKTOP "Spawn.Failed", HERD_CTL_UNREACHABLE },
  { CERTHERD "NotAuthorized", HERD_CTL_NOT_AUTHORIZED },
  { FREEDESKTOP "AccessDenied", HERD_CTL_NOT_AUTHORIZED },
  { FREEDESKTOP "AuthFailed", HERD_CTL_NOT_AUTHORIZED },
  { FREEDESKTOP "InteractiveAuthorizationRequired", HERD_CTL_NOT_AUTHORIZED },
  { CERTHERD "NotFound", HERD_CTL_NOT_FOUND },
  { FREEDESKTOP "UnknownObject", HERD_CTL_NOT_FOUND },
  { CERTHERD "Cancelled", HERD_CTL_CANCELLED },
  { FREEDESKTOP "NoReply", HERD_CTL_CANCELLED },
  { FREEDESKTOP "Timeout", HERD_CTL_CANCELLED },
  { FREEDESKTOP "TimedOut", HERD_CTL_CANCELLED },
};

/* The D-Bus name of ERROR; errors that are made here get the nearest one. */
static char *
get_error_name (const GError *error)
{
  if (error->domain == G_OPTION_ERROR)
    return g_strdup (FREEDESKTOP "InvalidArgs");
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    return g_strdup (FREEDESKTOP "TimedOut");
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED))
    return g_strdup (FREEDESKTOP "Disconnected");
  if (error->domain == G_FILE_ERROR)
    return g_strdup (FREEDESKTOP "IOError");
  char *name = g_dbus_error_get_remote_error (error);
  return name != NULL ? name : g_dbus_error_encode_gerror (error);
}

static HerdCtlStatus
get_meaning (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (meanings); i++) {
    if (g_str_equal (meanings[i].name, name))
      return meanings[i].status;
  }
  return HERD_CTL_FAILED;
}

/* Says what to do next, where the error cannot know. */
static void
print_advice (const HerdCtl *ctl, const GError *error, HerdCtlStatus status)
{
  if (status == HERD_CTL_UNREACHABLE && ctl->session)
    g_printerr (_ ("Start your own agent with \"certherd --session\".\n"));
  else if (status == HERD_CTL_UNREACHABLE)
    g_printerr (_ ("See \"systemctl status certherd\"; your own agent is asked with --session.\n"));
  else if (status == HERD_CTL_NOT_AUTHORIZED)
    g_printerr (_ ("Run it as root, or as a user whom polkit allows it.\n"));
  else if (error->domain == G_OPTION_ERROR)
    g_printerr (_ ("\"--help\" says what can be given.\n"));
}

HerdCtlStatus
herd_ctl_fail (HerdCtl *ctl, const GError *error)
{
  g_autofree char *name = get_error_name (error);
  g_autoptr (GError) stripped = g_error_copy (error);
  g_dbus_error_strip_remote_error (stripped);
  HerdCtlStatus status = get_meaning (name);
  if (ctl->json) {
    JsonObject *object = json_object_new ();
    json_object_set_string_member (object, "error", name);
    json_object_set_string_member (object, "message", stripped->message);
    herd_ctl_json_print_object (object, FALSE);
    return status;
  }
  g_autofree char *message = herd_ctl_clean (stripped->message);
  g_printerr ("certherdctl: %s\n", message);
  print_advice (ctl, error, status);
  return status;
}
