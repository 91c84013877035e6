from django.contrib.admin.apps import AdminConfig


class AdministrationConfig(AdminConfig):
    """Django's admin, for operators who sign in on the forge's own pages."""

    default_site = "agentforge.administration.site.OperatorsSite"
