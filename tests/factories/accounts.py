"""People, scopes, roles and keys for tests."""

from django.utils import timezone
from factory.declarations import LazyAttribute, LazyFunction, Sequence, SubFactory
from factory.django import DjangoModelFactory

from accounts.enums import Role
from accounts.models import ApiKey, Membership, Scope, User
from accounts.permissions import KEY_PERMISSIONS, Permission
from accounts.services_keys import hash_key

PASSWORD = "correct-horse-battery"


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = Sequence(lambda n: f"person-{n}")
    name = LazyAttribute(lambda user: user.username.title())
    # Unusable unless a test asks for one: argon2 is slow on purpose.
    password = "!"

    @classmethod
    def _create(cls, model_class: type[User], *args: object, **kwargs: object) -> User:
        plain = str(kwargs.pop("password"))
        user = model_class(**kwargs)
        user.set_password(None if plain == "!" else plain)
        user.save(force_insert=True)
        return user


class ScopeFactory(DjangoModelFactory[Scope]):
    class Meta:
        model = Scope

    slug = Sequence(lambda n: f"workflow-{n}")
    name = LazyAttribute(lambda scope: scope.slug.replace("-", " ").title())


class MembershipFactory(DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    user = SubFactory(UserFactory)
    role = Role.REVIEWER

    @classmethod
    def _create(
        cls, model_class: type[Membership], *args: object, **kwargs: object
    ) -> Membership:
        # Not a sub-factory: a test that gives `scope_id` wants no scope beside it.
        if not {"scope", "scope_id"} & kwargs.keys():
            kwargs["scope"] = ScopeFactory.create()
        return model_class.objects.create(**kwargs)


class ApiKeyFactory(DjangoModelFactory[ApiKey]):
    class Meta:
        model = ApiKey

    owner = SubFactory(UserFactory)
    scope = SubFactory(ScopeFactory)
    name = "test key"
    prefix = Sequence(lambda n: f"cs_test{n:06d}")
    secret_hash = LazyAttribute(lambda key: hash_key(plaintext_of(key.prefix)))
    verbs = LazyFunction(lambda: sorted(verb.value for verb in KEY_PERMISSIONS))
    created_at = LazyFunction(timezone.now)


def plaintext_of(prefix: str) -> str:
    """Return the plain text of a key that the factory made."""
    return f"{prefix}_{'ab' * 32}"


def bearer(key: ApiKey) -> dict[str, str]:
    """Return the header of a key that the factory made, for a test client."""
    return {"Authorization": f"Bearer {plaintext_of(key.prefix)}"}


def member(scope: Scope, *roles: Role, **fields: object) -> User:
    """Make a user who holds the given roles in a scope."""
    user = UserFactory.create(**fields)
    for role in roles:
        MembershipFactory.create(user=user, scope=scope, role=role)
    return user


def key_for(
    owner: User, scope: Scope, verbs: frozenset[Permission] | None = None
) -> tuple[ApiKey, str]:
    """Make a key of an owner in a scope (all verbs by default), with its plain text."""
    wanted = KEY_PERMISSIONS if verbs is None else verbs
    key = ApiKeyFactory.create(
        owner=owner, scope=scope, verbs=sorted(verb.value for verb in wanted)
    )
    return key, plaintext_of(key.prefix)
