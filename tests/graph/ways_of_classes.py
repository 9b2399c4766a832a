"""Ways through classes: attributes that are inherited or computed, methods, and classes that change."""

from ways import way


@way
def class_attribute(k, use):
    class Settings:
        held = k

    return lambda x: use(Settings.held, x), lambda new: setattr(Settings, "held", new)


@way
def class_attribute_of_instance(k, use):
    class Settings:
        held = k

    instance = Settings()
    return lambda x: use(instance.held, x), lambda new: setattr(Settings, "held", new)


@way
def inherited_attribute(k, use):
    class Base:
        held = k

    class Middle(Base):
        pass

    class Last(Middle):
        def method(self, x):
            return use(super().held, x)

    return Last().method, lambda new: setattr(Base, "held", new)


@way
def attribute_hidden_by_instance(k, use):
    """At first the class has it, later the instance too."""

    class Settings:
        held = k

    instance = Settings()
    return lambda x: use(instance.held, x), lambda new: setattr(instance, "held", new)


@way
def attribute_of_metaclass(k, use):
    class Meta(type):
        held = k

    class Settings(metaclass=Meta):
        pass

    return lambda x: use(Settings.held, x), lambda new: setattr(Meta, "held", new)


@way
def other_base_class(k, use):
    class Root:
        pass

    class Settings(type("Base", (Root,), {"held": k})):
        pass

    instance = Settings()
    return lambda x: use(instance.held, x), lambda new: setattr(Settings, "__bases__", (type("Base", (Root,), {"held": new}),))


@way
def class_of_instance(k, use):
    class Settings:
        held = k

    instance = Settings()
    return lambda x: use(instance.held, x), lambda new: setattr(instance, "__class__", type("Other", (), {"held": new}))


@way
def method_replaced(k, use):
    class Settings:
        def read(self):
            return k

    instance = Settings()
    return lambda x: use(instance.read(), x), lambda new: setattr(Settings, "read", lambda self: new)


@way
def class_method(k, use):
    class Settings:
        held = k

        @classmethod
        def read(cls):
            return cls.held

    return lambda x: use(Settings.read(), x), lambda new: setattr(Settings, "held", new)


@way
def static_method(k, use):
    class Settings:
        read = staticmethod(lambda: k)

    return lambda x: use(Settings.read(), x), lambda new: setattr(Settings, "read", staticmethod(lambda: new))


@way
def property_of_object(k, use):
    class Settings:
        @property
        def held(self):
            return self._held

    instance = Settings()
    instance._held = k
    return lambda x: use(instance.held, x), lambda new: setattr(instance, "_held", new)


@way
def property_without_trace(k, use):
    """What the property reads is nowhere in the object."""

    class Settings:
        held = property(lambda self: k)

    def change(new):
        nonlocal k
        k = new

    instance = Settings()
    return lambda x: use(instance.held, x), change


@way
def descriptor(k, use):
    class Reads:
        def __get__(self, instance, owner):
            return box[0]

    class Settings:
        held = Reads()

    box, instance = [k], Settings()
    return lambda x: use(instance.held, x), lambda new: box.__setitem__(0, new)


@way
def getattr_method(k, use):
    class Settings:
        def __getattr__(self, name):
            return box[0]

    box, instance = [k], Settings()
    return lambda x: use(instance.anything, x), lambda new: box.__setitem__(0, new)


@way
def getattribute_method(k, use):
    class Settings:
        held = 0.0

        def __getattribute__(self, name):
            return box[0]

    box, instance = [k], Settings()
    return lambda x: use(instance.held, x), lambda new: box.__setitem__(0, new)


@way
def slots(k, use):
    class Settings:
        __slots__ = ("held",)

    instance = Settings()
    instance.held = k
    return lambda x: use(instance.held, x), lambda new: setattr(instance, "held", new)
