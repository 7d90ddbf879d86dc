"""The parts of a connection as Dagster's configuration: one class for each model, with its fields."""

from s3_assets.connection import auth, catalogs, secret_stores, secrets, settings, transport
from s3_assets.resources.derivation import config_class

DefaultAuthConfig = config_class(auth.DefaultAuth)
IamRoleAuthConfig = config_class(auth.IamRoleAuth)
AccessKeyAuthConfig = config_class(auth.AccessKeyAuth)
ProfileAuthConfig = config_class(auth.ProfileAuth)
WebIdentityAuthConfig = config_class(auth.WebIdentityAuth)
AnonymousAuthConfig = config_class(auth.AnonymousAuth)
AssumeRoleConfig = config_class(auth.AssumeRole)
TransportConfig = config_class(transport.Transport)
ProxyConfig = config_class(transport.Proxy)
TlsConfig = config_class(transport.Tls)
EncryptionConfig = config_class(transport.Encryption)
ClientSideEncryptionConfig = config_class(transport.ClientSideEncryption)
ServiceEndpointsConfig = config_class(settings.ServiceEndpoints)
GlueCatalogSettingsConfig = config_class(catalogs.GlueCatalogSettings)
RestCatalogSettingsConfig = config_class(catalogs.RestCatalogSettings)
OAuth2Config = config_class(catalogs.OAuth2)
UnityCatalogSettingsConfig = config_class(catalogs.UnityCatalogSettings)
SqlCatalogSettingsConfig = config_class(catalogs.SqlCatalogSettings)
SecretReferenceConfig = config_class(secrets.SecretReference)
SecretsManagerSecretConfig = config_class(secret_stores.SecretsManagerSecret)
ParameterSecretConfig = config_class(secret_stores.ParameterSecret)
